from tests.weights.conftest import weights_here

__all__ = ["weights_here"]

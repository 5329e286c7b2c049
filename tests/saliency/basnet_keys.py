"""The tensors of a published BASNet checkpoint, written out from protocol 3.3, without any network."""

Shapes = dict[str, tuple[int, ...]]


def published() -> Shapes:
    """Name -> shape of all 517 tensors."""
    shapes: Shapes = {}
    _biased(shapes, "inconv", 64, 3)
    _norm(shapes, "inbn", 64)
    for stage, (width, blocks) in {1: (64, 3), 2: (128, 4), 3: (256, 6), 4: (512, 3)}.items():
        for block in range(blocks):
            first = block == 0 and stage > 1
            _residual_block(shapes, f"encoder{stage}.{block}", width // 2 if first else width, width)
            if first:
                shapes[f"encoder{stage}.0.downsample.0.weight"] = (width, width // 2, 1, 1)
                _norm(shapes, f"encoder{stage}.0.downsample.1", width)
    for name in ("resb5_1", "resb5_2", "resb5_3", "resb6_1", "resb6_2", "resb6_3"):
        _residual_block(shapes, name, 512, 512)
    for part in ("1", "m", "2"):
        _biased(shapes, f"convbg_{part}", 512, 512)
        _norm(shapes, f"bnbg_{part}", 512)
    decoder = {
        "6": ((512, 1024), (512, 512), (512, 512)),
        "5": ((512, 1024), (512, 512), (512, 512)),
        "4": ((512, 1024), (512, 512), (256, 512)),
        "3": ((256, 512), (256, 256), (128, 256)),
        "2": ((128, 256), (128, 128), (64, 128)),
        "1": ((64, 128), (64, 64), (64, 64)),
    }
    for stage, widths in decoder.items():
        for part, (n_out, n_in) in zip(("1", "m", "2"), widths, strict=True):
            _biased(shapes, f"conv{stage}d_{part}", n_out, n_in)
            _norm(shapes, f"bn{stage}d_{part}", n_out)
    for name, width in {"b": 512, "6": 512, "5": 512, "4": 256, "3": 128, "2": 64, "1": 64}.items():
        _biased(shapes, f"outconv{name}", 1, width)
    _refinement(shapes)
    return shapes


def _refinement(shapes: Shapes) -> None:
    _biased(shapes, "refunet.conv0", 64, 1)
    for level in "12345":
        _biased(shapes, f"refunet.conv{level}", 64, 64)
        _norm(shapes, f"refunet.bn{level}", 64)
    for level in "4321":
        _biased(shapes, f"refunet.conv_d{level}", 64, 128)
        _norm(shapes, f"refunet.bn_d{level}", 64)
    _biased(shapes, "refunet.conv_d0", 1, 64)


def _biased(shapes: Shapes, name: str, n_out: int, n_in: int) -> None:
    shapes[f"{name}.weight"], shapes[f"{name}.bias"] = (n_out, n_in, 3, 3), (n_out,)


def _norm(shapes: Shapes, name: str, width: int) -> None:
    for part in ("weight", "bias", "running_mean", "running_var"):
        shapes[f"{name}.{part}"] = (width,)
    shapes[f"{name}.num_batches_tracked"] = ()


def _residual_block(shapes: Shapes, name: str, n_in: int, n_out: int) -> None:
    shapes[f"{name}.conv1.weight"], shapes[f"{name}.conv2.weight"] = (n_out, n_in, 3, 3), (n_out, n_out, 3, 3)
    _norm(shapes, f"{name}.bn1", n_out)
    _norm(shapes, f"{name}.bn2", n_out)

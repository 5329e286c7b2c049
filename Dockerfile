# PyTorch's CPU build by default; for NVIDIA cards: --build-arg TORCH_INDEX= (PyPI's build brings CUDA).
ARG PYTHON=3.12

FROM python:${PYTHON}-slim AS build
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
WORKDIR /srv/comus
RUN python -m venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH
COPY requirements.txt ./
# hadolint ignore=DL3013
RUN pip install --no-cache-dir ${TORCH_INDEX:+--index-url "$TORCH_INDEX"} \
        $(grep -oE '^torch(vision)?[^ ]+' requirements.txt) \
    && pip install --no-cache-dir -r requirements.txt
COPY pyproject.toml README.md LICENSE ./
COPY comus_core comus_core
COPY app app
COPY pages pages
COPY assets assets
RUN pip install --no-cache-dir --no-deps -e .

FROM python:${PYTHON}-slim
COPY --from=build /opt/venv /opt/venv
COPY --from=build /srv/comus /srv/comus
RUN useradd --uid 10001 --create-home comus \
    && mkdir -p /workspace /weights /images \
    && chown comus /workspace /weights
ENV PATH=/opt/venv/bin:$PATH \
    COMUS_WORKSPACE=/workspace \
    COMUS_WEIGHTS=/weights \
    COMUS_IMAGE_ROOTS=/images \
    NUMBA_CACHE_DIR=/tmp/numba \
    PYTHONUNBUFFERED=1
USER 10001
WORKDIR /srv/comus
VOLUME ["/workspace", "/weights", "/images"]
EXPOSE 8501
HEALTHCHECK --start-period=30s --interval=30s --timeout=5s \
    CMD ["python", "-c", "import os, urllib.request as u; u.urlopen('/'.join(filter(None, ['http://127.0.0.1:8501', os.environ.get('STREAMLIT_SERVER_BASE_URL_PATH', '').strip('/'), '_stcore/health'])), timeout=3)"]
# The address that it prints has the token to log in; COMUS_TOKEN sets one that stays.
CMD ["comus", "app", "--host", "0.0.0.0", "--no-browser"]

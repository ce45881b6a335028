# syntax=docker/dockerfile:1.7
# Training runs, which trainer-launcher starts. Built from the root of the repository:
#   docker build -f docker/trainer.Dockerfile -t soundstage-trainer .
# The base is held to a version; docs/images.md tells how to hold it to a digest, too.
ARG PYTHON_IMAGE=docker.io/library/python:3.11-slim-bookworm

# PyTorch with CUDA is what its index gives for the version in requirements.txt; CUDA and cuDNN come as its wheels.
FROM ${PYTHON_IMAGE} AS build
ARG TORCH_INDEX=https://download.pytorch.org/whl/cu126
COPY services/trainer/pyproject.toml /trainer/
COPY docker/trainer-requirements.py /trainer/
RUN python3 -m venv /opt/venv \
 && /opt/venv/bin/python /trainer/trainer-requirements.py /trainer/pyproject.toml > /trainer/requirements.txt
RUN --mount=type=cache,target=/root/.cache/pip \
    /opt/venv/bin/pip install --disable-pip-version-check --only-binary :all: \
      --extra-index-url "${TORCH_INDEX}" -r /trainer/requirements.txt \
 && find /opt/venv -type d -name __pycache__ -exec rm -r {} +

FROM ${PYTHON_IMAGE}
LABEL org.opencontainers.image.title="soundstage-trainer" \
      org.opencontainers.image.description="Soundstage's training runs: PyTorch recipes, exported to ONNX" \
      org.opencontainers.image.licenses="Apache-2.0"
ARG FFMPEG_VERSION=7:5.1.*
RUN apt-get update \
 && apt-get install -y --no-install-recommends "ffmpeg=${FFMPEG_VERSION}" \
 && rm -rf /var/lib/apt/lists/*
RUN groupadd --gid 10001 soundstage \
 && useradd --uid 10001 --gid 10001 --home-dir /var/lib/soundstage --create-home --shell /usr/sbin/nologin soundstage
COPY --from=build /opt/venv /opt/venv
WORKDIR /app
COPY services/trainer ./services/trainer
COPY models ./models
COPY LICENSE ./
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONPATH=/app/services/trainer \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    ORT_DISABLE_TELEMETRY=1 \
    NVIDIA_VISIBLE_DEVICES=all \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility
USER 10001:10001
# A run is followed by its Kubernetes Job: a HEALTHCHECK would be looked at by nobody.
ENTRYPOINT []
CMD ["python3", "-m", "soundstage_trainer", "--help"]

# syntax=docker/dockerfile:1.7
# Services that run ffmpeg: collector, preprocessor, splitter, feature-extractor, inference on the CPU; and the
# command line, for batches. Built from the root of the repository:
#   docker build -f docker/media.Dockerfile -t soundstage-media .
# The base is held to a version; docs/images.md tells how to hold it to a digest, too.
ARG NODE_IMAGE=docker.io/library/node:24.21.0-bookworm-slim

# The manifests alone, so that packages are installed anew only when one of them changes.
FROM ${NODE_IMAGE} AS manifests
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
COPY packages ./packages
COPY services ./services
RUN find packages services -type f ! -name package.json -delete \
 && find packages services -type d -empty -delete

# `install --no-save` holds to the lock file as `ci` does, but is content where a registry mirror lacks optional packages
# of other platforms.
FROM ${NODE_IMAGE} AS build
WORKDIR /app
COPY --from=manifests /app ./
RUN --mount=type=cache,target=/root/.npm npm install --no-save --ignore-scripts
COPY tsconfig.base.json ./
COPY packages ./packages
COPY services ./services
# What runs is what was compiled, and what it reads beside it: no sources, types, maps or test helpers.
RUN node_modules/.bin/tsc -b packages/cli services/*/tsconfig.json \
 && npm run --silent build --workspace @soundstage/gateway \
 && find packages services -name node_modules -prune -o -type d \( -name testing -o -name contract-tests \) -exec rm -r {} + \
 && find packages services -type f \( -name '*.ts' -o -name '*.map' -o -name '*.tsbuildinfo' -o -name 'tsconfig*.json' \) -delete \
 && rm -rf services/gateway/scripts node_modules packages/*/node_modules services/*/node_modules \
 && find packages services -type d -empty -delete

# What runs needs: no tools, and of onnxruntime's libraries those of this platform. Its CPU library is in the package;
# no install script runs.
FROM ${NODE_IMAGE} AS production
WORKDIR /app
COPY --from=manifests /app ./
RUN --mount=type=cache,target=/root/.npm \
    ONNXRUNTIME_NODE_INSTALL=skip npm install --no-save --ignore-scripts --omit=dev --omit=optional \
 && for library in node_modules/onnxruntime-node/bin/napi-v*/*/*; do \
      [ "$(basename "$(dirname "$library")")/$(basename "$library")" = "$(node -p 'process.platform + "/" + process.arch')" ] \
      || rm -r "$library"; \
    done

FROM ${NODE_IMAGE}
LABEL org.opencontainers.image.title="soundstage-media" \
      org.opencontainers.image.description="Soundstage's services that run ffmpeg, and its command line" \
      org.opencontainers.image.licenses="Apache-2.0"
ARG FFMPEG_VERSION=7:5.1.*
RUN apt-get update \
 && apt-get install -y --no-install-recommends "ffmpeg=${FFMPEG_VERSION}" \
 && rm -rf /var/lib/apt/lists/*
RUN groupadd --gid 10001 soundstage \
 && useradd --uid 10001 --gid 10001 --home-dir /var/lib/soundstage --create-home --shell /usr/sbin/nologin soundstage
WORKDIR /app
COPY --from=production /app ./
COPY --from=build /app/packages ./packages
COPY --from=build /app/services ./services
COPY models ./models
COPY pipelines ./pipelines
COPY LICENSE ./
ENV NODE_ENV=production \
    NODE_OPTIONS=--disable-warning=ExperimentalWarning \
    ORT_DISABLE_TELEMETRY=1 \
    SOUNDSTAGE_HOME=/var/lib/soundstage
USER 10001:10001
# Kubernetes asks /healthz and /readyz itself: a HEALTHCHECK would be looked at by nobody.
ENTRYPOINT []
CMD ["node", "packages/cli/dist/main.js", "--help"]

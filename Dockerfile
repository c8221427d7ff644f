# An image with the program only: one native file, without a shell or a runtime. It is linked for the architecture of the target, such as
# linux/arm64, on the machine that builds.
#   docker build -t oauth-exporter . && docker run -v exporter:/var/lib/exporter -p 9210:9210 -e NETATMO_CLIENT_ID=… oauth-exporter
# The program for several machines (docs/cluster.md): docker build --build-arg PROGRAM=cluster -t oauth-exporter-cluster .
ARG SDK=mcr.microsoft.com/dotnet/sdk:10.0
ARG BASE=mcr.microsoft.com/dotnet/runtime-deps:10.0-noble-chiseled

FROM --platform=$BUILDPLATFORM ${SDK} AS build
ARG TARGETARCH
ARG REVISION=
# exporter or cluster, a directory of cmd.
ARG PROGRAM=exporter
# The linker, for the other architecture too.
RUN apt-get update -q && apt-get install -y -q --no-install-recommends clang zlib1g-dev \
      $([ "$TARGETARCH" = "$(dpkg --print-architecture)" ] || echo gcc-aarch64-linux-gnu libc6-dev-arm64-cross)
WORKDIR /source
COPY . .
RUN runtime=linux-$(echo "$TARGETARCH" | sed 's/amd64/x64/') \
 && dotnet publish "cmd/$PROGRAM" -c Release -r "$runtime" -p:SourceRevisionId="$REVISION" -o /image/usr/bin -nodeReuse:false \
 && mkdir -p /image/usr/share/doc/oauth-exporter && cp LICENSE /image/usr/share/doc/oauth-exporter \
 && packages/notices "$runtime" --program "$PROGRAM" > /image/usr/share/doc/oauth-exporter/notices
# The old name of the program, and the name of the entry point for the other program.
RUN { [ "$PROGRAM" = exporter ] || ln -sf "oauth-exporter-$PROGRAM" /image/usr/bin/oauth-exporter; } && ln -s oauth-exporter /image/usr/bin/exporter
RUN mkdir -p /image/var/lib/exporter /image/var/lib/netatmo-exporter \
 && chown -R 65534:65534 /image/var/lib/exporter /image/var/lib/netatmo-exporter && chmod 700 /image/var/lib/exporter

# buildah would otherwise use the platform of the stage above.
FROM --platform=$TARGETPLATFORM ${BASE}
ARG VERSION=
ARG REVISION=
ARG BASE_NAME=
ARG BASE_DIGEST=
LABEL org.opencontainers.image.title="OAuth Exporter" \
      org.opencontainers.image.description="Keeps OAuth tokens fresh and exports provider data to Prometheus" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.base.name="${BASE_NAME}" \
      org.opencontainers.image.base.digest="${BASE_DIGEST}"
COPY --from=build /image /
# The user of netatmo-exporter's image, so that its volume works unchanged.
USER 65534:65534
ENV EXPORTER_STATE_FOLDER=/var/lib/exporter
# A diagnostics port would give the secrets of the process to other programs of its user.
ENV DOTNET_EnableDiagnostics=0
WORKDIR /var/lib/exporter
VOLUME /var/lib/exporter
EXPOSE 9210
HEALTHCHECK --interval=30s --timeout=6s --start-period=5s CMD ["/usr/bin/oauth-exporter", "health"]
ENTRYPOINT ["/usr/bin/oauth-exporter"]

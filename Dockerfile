# An image with the program only: one file, without a shell or a separate runtime.
#   docker build -t oauth-exporter . && docker run -v exporter:/var/lib/exporter -p 9210:9210 -e NETATMO_CLIENT_ID=… oauth-exporter
ARG DOTNET=10.0

FROM mcr.microsoft.com/dotnet/sdk:${DOTNET} AS build
WORKDIR /source
COPY . .
# Publishes for the machine's own architecture. The lock files list linux-x64 only.
RUN arch=$(uname -m | sed 's/x86_64/x64/; s/aarch64/arm64/') \
 && dotnet publish cmd/exporter -c Release -r "linux-$arch" -p:RuntimeIdentifiers="linux-$arch" -o /image/usr/bin -nodeReuse:false
# The old name of the program.
RUN ln -s oauth-exporter /image/usr/bin/exporter
RUN mkdir -p /image/usr/share/doc/oauth-exporter && cp LICENSE /image/usr/share/doc/oauth-exporter \
 && packages/notices "linux-$(uname -m | sed 's/x86_64/x64/; s/aarch64/arm64/')" > /image/usr/share/doc/oauth-exporter/notices
RUN mkdir -p /image/var/lib/exporter /image/var/lib/netatmo-exporter \
 && chown -R 65534:65534 /image/var/lib/exporter /image/var/lib/netatmo-exporter && chmod 700 /image/var/lib/exporter

FROM mcr.microsoft.com/dotnet/runtime-deps:${DOTNET}-noble-chiseled
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

# The exporter in an image of its own: one file, no shell, no runtime beside it.
#   docker build -t exporter . && docker run -v exporter:/var/lib/exporter -p 9210:9210 -e NETATMO_CLIENT_ID=… exporter
ARG DOTNET=10.0

FROM mcr.microsoft.com/dotnet/sdk:${DOTNET} AS build
WORKDIR /source
COPY . .
# -r takes the machine's own architecture; the lock files know linux-x64.
RUN arch=$(uname -m | sed 's/x86_64/x64/; s/aarch64/arm64/') \
 && dotnet publish cmd/exporter -c Release -r "linux-$arch" -p:RuntimeIdentifiers="linux-$arch" -o /image/usr/bin -nodeReuse:false
RUN mkdir -p /image/usr/share/doc/exporter && cp LICENSE /image/usr/share/doc/exporter \
 && packages/notices "linux-$(uname -m | sed 's/x86_64/x64/; s/aarch64/arm64/')" > /image/usr/share/doc/exporter/notices
RUN mkdir -p /image/var/lib/exporter /image/var/lib/netatmo-exporter \
 && chown -R 65534:65534 /image/var/lib/exporter /image/var/lib/netatmo-exporter && chmod 700 /image/var/lib/exporter

FROM mcr.microsoft.com/dotnet/runtime-deps:${DOTNET}-noble-chiseled
COPY --from=build /image /
# 65534 is the user of netatmo-exporter's image, whose volume is taken over as it is.
USER 65534:65534
ENV EXPORTER_STATE_FOLDER=/var/lib/exporter
# The collector's youngest generation, which else grows with the processor's cache: 2 MiB.
ENV DOTNET_GCgen0size=0x200000
WORKDIR /var/lib/exporter
VOLUME /var/lib/exporter
EXPOSE 9210
HEALTHCHECK --interval=30s --timeout=6s --start-period=5s CMD ["/usr/bin/exporter", "health"]
ENTRYPOINT ["/usr/bin/exporter"]

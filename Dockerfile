# The image holds the program, the CA roots, a writable /tmp, /data for the store, and nothing else.
# Time zones are inside the program. The health check asks the program that runs.

FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=unknown
RUN mkdir -p -m 1777 /image/tmp && mkdir -p /image/etc/ssl/certs /data \
 && cp /etc/ssl/certs/ca-certificates.crt /image/etc/ssl/certs/ \
 && CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.version=${VERSION}" \
        -o /image/bluelink2mqtt ./cmd/bluelink2mqtt

FROM scratch
COPY --from=build /image/ /
COPY --from=build --chown=65532:65532 /data /data
USER 65532:65532
VOLUME /data
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s CMD ["/bluelink2mqtt", "doctor", "--ready"]
ENTRYPOINT ["/bluelink2mqtt"]
CMD ["run"]

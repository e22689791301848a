# rinca in a container of its own: one static binary, the certificates of the
# public authorities, and nothing else. No shell, no user list; any uid will do.
#
#   docker build -t rinca .
#   docker run --rm --env-file op.env -e STACKS="authentik restic" \
#     -v /mnt/apps01:/mnt/apps01 rinca
FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=dev
RUN CGO_ENABLED=0 go build -trimpath -buildvcs=false \
	-ldflags "-s -w -buildid= -X rinca/internal/cli.release=${VERSION}" -o /rinca .

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /rinca /rinca
ENTRYPOINT ["/rinca"]
CMD ["export"]

# cartd on Debian 13, whose libmicrohttpd is strict about what it accepts.
#
#   docker build -t cartd .                        the service, the last stage
#   docker build -t cartd-test --target test .     the tests over HTTP, for docker-compose.yml

FROM debian:trixie-slim AS build
COPY scripts/install scripts/packages.txt /cartd/scripts/
RUN /cartd/scripts/install build && rm -rf /var/lib/apt/lists/*
COPY . /cartd
RUN CC=gcc meson setup /build /cartd --buildtype=release -Db_ndebug=false -Dwerror=false --strip \
    && meson compile -C /build cartd cartd-relay \
    && install -D -s -t /out/usr/local/bin /build/cartd /build/cartd-relay

FROM debian:trixie-slim AS test
COPY scripts/install scripts/packages.txt /cartd/scripts/
RUN /cartd/scripts/install http && rm -rf /var/lib/apt/lists/*
COPY openapi.yaml /cartd/
COPY deploy /cartd/deploy
COPY tests/http /cartd/tests/http
WORKDIR /cartd
USER nobody
ENV PYTHONDONTWRITEBYTECODE=1
CMD ["/usr/bin/python3", "-m", "unittest", "discover", "--start-directory", "tests/http"]

FROM debian:trixie-slim
COPY scripts/install scripts/packages.txt /usr/local/share/cartd/
RUN /usr/local/share/cartd/install runtime && rm -rf /var/lib/apt/lists/* \
    && useradd --system --user-group --no-create-home --home-dir /nonexistent cartd
COPY scripts/sample-catalogue.csv /usr/local/share/cartd/
COPY --from=build /out /
USER cartd
# The answers of a batch are a few thousand small pieces of memory at once (bench/NOTES.md).
ENV CARTD_LISTEN=0.0.0.0:8080 GLIBC_TUNABLES=glibc.malloc.tcache_count=400
EXPOSE 8080
HEALTHCHECK --interval=5s --timeout=5s --start-period=30s CMD ["cartd", "healthcheck"]
ENTRYPOINT ["cartd"]
CMD ["serve"]

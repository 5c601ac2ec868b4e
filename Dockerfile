# One image holds all of Quorate: the server, the command line, the operator.
#
#   docker build -t quorate .                        builds everything inside
#   docker build -t quorate --target prebuilt .      takes the programs of build/release/bin (made on Debian 12)
#
# deploy/image.sh does the latter with buildah, without a registry. Runs as 65532, with a read-only root file system.
ARG BASE=docker.io/library/debian:bookworm-slim

# runtime: the libraries that our programs load, a user, and the names under which the programs are called.
FROM ${BASE} AS runtime
RUN apt-get update -q \
 && apt-get install -q -y --no-install-recommends ca-certificates tzdata \
      libgrpc++1.51 libprotobuf32 libnghttp2-14 libssl3 librocksdb7.8 libcpprest2.10 libyaml-cpp0.7 libcurl4 \
      libspdlog1.10 libfmt9 libprometheus-cpp-core1.0 libzstd1 libstdc++6 \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/cache/debconf/*-old /var/log/* /usr/share/doc/* /usr/share/man/* \
      /usr/share/locale/* /usr/share/info/* /tmp/*
RUN echo 'quorate:x:65532:65532:Quorate:/nonexistent:/usr/sbin/nologin' >> /etc/passwd \
 && echo 'quorate:x:65532:' >> /etc/group \
 && ln -s quorate-server /usr/local/bin/etcd \
 && ln -s quoratectl /usr/local/bin/etcdctl \
 && ln -s quoratectl /usr/local/bin/etcdutl

# build: compiles in the image; only its results go on.
FROM ${BASE} AS build
COPY deploy/packages.sh /src/deploy/packages.sh
RUN apt-get update -q && /src/deploy/packages.sh build
COPY . /src
RUN cd /src && cmake --preset release \
 && cmake --build --preset release --target quorate-server quoratectl quorate-operator \
 && strip build/release/bin/quorate-server build/release/bin/quoratectl build/release/bin/quorate-operator

# prebuilt: the programs come from BIN in the build context.
FROM runtime AS prebuilt
ARG BIN=build/release/bin
COPY ${BIN}/quorate-server ${BIN}/quoratectl ${BIN}/quorate-operator /usr/local/bin/
RUN ! ldd /usr/local/bin/quorate-* /usr/local/bin/quoratectl 2>&1 | grep 'not found'
USER 65532:65532
EXPOSE 2379 2380
LABEL org.opencontainers.image.title=quorate \
      org.opencontainers.image.description="etcd-compatible server and its Kubernetes operator" \
      org.opencontainers.image.licenses=Apache-2.0
CMD ["/usr/local/bin/quorate-server"]

FROM runtime
COPY --from=build /src/build/release/bin/quorate-server /src/build/release/bin/quoratectl \
     /src/build/release/bin/quorate-operator /usr/local/bin/
USER 65532:65532
EXPOSE 2379 2380
LABEL org.opencontainers.image.title=quorate \
      org.opencontainers.image.description="etcd-compatible server and its Kubernetes operator" \
      org.opencontainers.image.licenses=Apache-2.0
CMD ["/usr/local/bin/quorate-server"]

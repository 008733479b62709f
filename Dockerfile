# Ekiden's own image: one program for every role; nginx is for the role balance.
# Behind a private CA, or without a way to pull, name a base that has what is needed:
#   docker build --build-arg NODE_IMAGE=registry.example.com/node:20-bookworm-slim -t ekiden .
ARG NODE_IMAGE=node:20-bookworm-slim

FROM ${NODE_IMAGE} AS packages
WORKDIR /opt/ekiden
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund --omit=dev

FROM packages AS compiled
RUN npm ci --no-audit --no-fund
COPY tsconfig.json ./
COPY src src
COPY hooks hooks
COPY runners runners
RUN npm run build

FROM ${NODE_IMAGE}
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates \
      nginx-light libnginx-mod-http-lua lua-resty-core lua-cjson \
 && rm -rf /var/lib/apt/lists/* \
 && groupadd --gid 7300 ekiden \
 && useradd --uid 7300 --gid 7300 --no-create-home --home-dir /var/lib/ekiden ekiden \
 && install -d -o ekiden -g ekiden /var/lib/ekiden
WORKDIR /opt/ekiden
COPY --from=packages /opt/ekiden/node_modules node_modules
COPY --from=compiled /opt/ekiden/dist dist
COPY package.json LICENSE ./
COPY templates templates
RUN ln -s /opt/ekiden/dist/runners/cli.js /usr/local/bin/ekiden \
 && chmod +x dist/runners/cli.js
ENV NODE_ENV=production
LABEL org.opencontainers.image.title="Ekiden" \
      org.opencontainers.image.description="Carries a git push on your own GitLab to a running, reachable, observable app" \
      org.opencontainers.image.licenses="MIT"
# balance, engine and node need root; docker-compose.yml says so for each.
USER ekiden
ENTRYPOINT ["ekiden"]
CMD ["--help"]

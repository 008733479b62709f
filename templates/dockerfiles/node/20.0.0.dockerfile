# Node 20, ready for an application: INCLUDE template:node@20
ARG NODE_IMAGE=node:20-bookworm-slim
FROM ${NODE_IMAGE}

ENV NODE_ENV=production

# Log files go here; Ekiden mounts a volume over it and collects what is written.
RUN mkdir -p /app /var/log/app && chmod 1777 /var/log/app
WORKDIR /app

# Node 20 for an application that is not root: INCLUDE template:node@20.1
# ekiden: input IMAGE=${NODE_IMAGE:-node:20-bookworm-slim} what to start from
# ekiden: input STAGE=node name of the stage
# ekiden: input NODE_ENV=production development where npm ci is to bring the tools of a build
ARG NODE_IMAGE
FROM $[[ IMAGE ]] AS $[[ STAGE ]]
INCLUDE template:logs@1.0.0
INCLUDE template:app@1.0.0
ENV NODE_ENV=$[[ NODE_ENV ]] npm_config_update_notifier=false

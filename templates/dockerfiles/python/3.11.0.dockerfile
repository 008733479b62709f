# Python 3.11 with an environment of its own, which is not root: INCLUDE template:python@3.11
# ekiden: input IMAGE=${PYTHON_IMAGE:-debian:12-slim} what to start from
# ekiden: input STAGE=python name of the stage
ARG PYTHON_IMAGE
FROM $[[ IMAGE ]] AS $[[ STAGE ]]
RUN command -v python3 >/dev/null || { \
      apt-get update && \
      apt-get install -y --no-install-recommends ca-certificates python3 python3-venv && \
      rm -rf /var/lib/apt/lists/*; \
    }
RUN python3 -m venv /opt/venv && chown -R 1000:1000 /opt/venv
INCLUDE template:logs@1.0.0
INCLUDE template:app@1.0.0
ENV PATH=/opt/venv/bin:$PATH VIRTUAL_ENV=/opt/venv
ENV PYTHONUNBUFFERED=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
# Python ends at SIGINT by itself, while as the first process of a container it would not even hear SIGTERM.
STOPSIGNAL SIGINT

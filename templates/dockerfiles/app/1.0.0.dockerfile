# A folder and a user for the application that is not root: INCLUDE template:app@1
USER root
RUN { grep -q '^[^:]*:[^:]*:1000:' /etc/group || echo 'app:x:1000:' >>/etc/group; } && \
    { grep -q '^[^:]*:[^:]*:1000:' /etc/passwd || echo 'app:x:1000:1000:app:/app:/bin/sh' >>/etc/passwd; } && \
    mkdir -p /app && chown 1000:1000 /app
WORKDIR /app
USER 1000:1000

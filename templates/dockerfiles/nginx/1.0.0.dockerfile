# nginx for static files, which is not root: INCLUDE template:nginx@1
# ekiden: input IMAGE=${NGINX_IMAGE:-debian:12-slim} what to start from
# ekiden: input STAGE=nginx name of the stage
# ekiden: input FALLBACK==404 what a path without a file gets, such as /index.html
ARG NGINX_IMAGE
FROM $[[ IMAGE ]] AS $[[ STAGE ]]
RUN command -v nginx >/dev/null || { \
      apt-get update && \
      apt-get install -y --no-install-recommends nginx-light && \
      rm -rf /var/lib/apt/lists/*; \
    }
RUN printf '%s\n' \
      'worker_processes 1;' \
      'daemon off;' \
      'pid /tmp/nginx.pid;' \
      'error_log stderr warn;' \
      'events {}' \
      'http {' \
      '  include /etc/nginx/mime.types;' \
      '  default_type application/octet-stream;' \
      '  access_log /dev/stdout combined;' \
      '  client_body_temp_path /tmp/nginx-body;' \
      '  proxy_temp_path /tmp/nginx-proxy;' \
      '  fastcgi_temp_path /tmp/nginx-fastcgi;' \
      '  uwsgi_temp_path /tmp/nginx-uwsgi;' \
      '  scgi_temp_path /tmp/nginx-scgi;' \
      '  sendfile on;' \
      '  server_tokens off;' \
      '  absolute_redirect off;' \
      '  gzip on;' \
      '  gzip_vary on;' \
      '  gzip_proxied any;' \
      '  gzip_types text/css text/javascript application/javascript application/json image/svg+xml;' \
      '  server {' \
      '    listen 8080;' \
      '    root /app/public;' \
      '    location / { try_files $uri $uri/ $[[ FALLBACK ]]; }' \
      '    location ~ /\. { return 404; }' \
      '  }' \
      '}' \
      >/etc/nginx/static.conf && \
    mkdir -p /usr/local/bin && \
    printf '%s\n' \
      '#!/bin/sh' \
      'sed "s/listen 8080;/listen ${PORT:-8080};/" /etc/nginx/static.conf >/tmp/nginx.conf' \
      'exec nginx -e stderr -c /tmp/nginx.conf' \
      >/usr/local/bin/serve-static && \
    chmod +x /usr/local/bin/serve-static
INCLUDE template:logs@1.0.0
INCLUDE template:app@1.0.0
WORKDIR /app/public
EXPOSE 8080
# nginx ends at once at SIGTERM, and after the requests that it has begun at SIGQUIT.
STOPSIGNAL SIGQUIT
CMD ["serve-static"]

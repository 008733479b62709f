# Log folder for a user that is not root: INCLUDE template:logs@1
RUN mkdir -p /var/log/app && chmod 1777 /var/log/app
ENV LOG_DIR=/var/log/app

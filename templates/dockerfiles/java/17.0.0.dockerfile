# Java 17 for an application that is not root: INCLUDE template:java@17.0
# ekiden: input IMAGE=${JAVA_IMAGE:-debian:12-slim} what to start from
# ekiden: input STAGE=java name of the stage
# ekiden: input KIND=jre jre to run, jdk to compile
ARG JAVA_IMAGE
FROM $[[ IMAGE ]] AS $[[ STAGE ]]
# Slim images have no folder for manuals, without which the package of Java cannot be set up.
RUN case '$[[ KIND ]]' in \
      jre) command -v java ;; \
      jdk) command -v javac ;; \
      *) echo 'KIND is jre or jdk, and not $[[ KIND ]]' >&2; exit 2 ;; \
    esac || { \
      mkdir -p /usr/share/man/man1 && \
      apt-get update && \
      apt-get install -y --no-install-recommends ca-certificates openjdk-17-$[[ KIND ]]-headless && \
      rm -rf /var/lib/apt/lists/*; \
    }
INCLUDE template:logs@1.0.0
INCLUDE template:app@1.0.0
# Of the memory that the container may use, the heap gets this much; without it Java takes a quarter.
ENV JDK_JAVA_OPTIONS="-XX:MaxRAMPercentage=70 -XX:+ExitOnOutOfMemoryError"

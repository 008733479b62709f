# Tomcat 10.1 on Java 17, which is not root: INCLUDE template:tomcat@10.1
# ekiden: input IMAGE=${TOMCAT_IMAGE:-debian:12-slim} what to start from
# ekiden: input STAGE=tomcat name of the stage
ARG TOMCAT_IMAGE
FROM $[[ IMAGE ]] AS $[[ STAGE ]]
# Slim images have no folder for manuals, without which the package of Java cannot be set up.
RUN [ -d /usr/share/tomcat10/skel ] || { \
      mkdir -p /usr/share/man/man1 && \
      apt-get update && \
      apt-get install -y --no-install-recommends ca-certificates openjdk-17-jre-headless tomcat10-user && \
      rm -rf /var/lib/apt/lists/*; \
    }
INCLUDE template:logs@1.0.0
INCLUDE template:app@1.0.0

RUN mkdir conf temp webapps work && \
    cd conf && \
    cp /usr/share/tomcat10/skel/conf/catalina.properties /usr/share/tomcat10/skel/conf/context.xml \
       /usr/share/tomcat10/skel/conf/web.xml . && \
    printf '%s\n' \
      'handlers = java.util.logging.ConsoleHandler' \
      '.handlers = java.util.logging.ConsoleHandler' \
      'java.util.logging.ConsoleHandler.formatter = org.apache.juli.OneLineFormatter' \
      >logging.properties && \
    printf '%s\n' \
      '<Server port="-1">' \
      '  <Service name="Catalina" gracefulStopAwaitMillis="5000">' \
      '    <Connector port="${PORT:-8080}" bindOnInit="false" maxParameterCount="1000"/>' \
      '    <Engine name="Catalina" defaultHost="localhost">' \
      '      <Host name="localhost" appBase="webapps" autoDeploy="false">' \
      '        <Valve className="org.apache.catalina.valves.RemoteIpValve"/>' \
      '        <Valve className="org.apache.catalina.valves.ErrorReportValve" showReport="false" showServerInfo="false"/>' \
      '        <Valve className="org.apache.catalina.valves.AccessLogValve" pattern="combined"' \
      '               directory="${LOG_DIR:-/var/log/app}" prefix="access" suffix=".log" maxDays="7" buffered="false"/>' \
      '      </Host>' \
      '    </Engine>' \
      '  </Service>' \
      '</Server>' \
      >server.xml && \
    echo 'org.apache.tomcat.util.digester.PROPERTY_SOURCE=org.apache.tomcat.util.digester.EnvironmentPropertySource' \
      >>catalina.properties

ENV CATALINA_HOME=/usr/share/tomcat10 CATALINA_BASE=/app
# Of the memory that the container may use, the heap gets this much; without it Java takes a quarter.
ENV JDK_JAVA_OPTIONS="-XX:MaxRAMPercentage=70 -XX:+ExitOnOutOfMemoryError"
WORKDIR /app/webapps
EXPOSE 8080
CMD ["/usr/share/tomcat10/bin/catalina.sh", "run"]

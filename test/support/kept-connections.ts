/** Has servers of tests keep idle connections for as long as those of others do. */
import diagnostics from 'node:diagnostics_channel';
import type { Server } from 'node:http';

/** Node's own, within which a test that compiles a schema or starts a process may be busy. */
const usual = 5_000;

/** Milliseconds. */
const longer = 65_000;

// A request that meets the end of its connection fails, whatever the test is about.
diagnostics.subscribe('http.server.request.start', (message) => {
  const { server } = message as { server: Server };
  if (server.keepAliveTimeout === usual) server.keepAliveTimeout = longer;
});

/** The protobuf messages that BuildKit and its client exchange, as far as Ekiden has to do with them. */
import type { MethodDefinition } from '@grpc/grpc-js';
import protobuf from 'protobufjs';
import { z } from 'zod';

/** Names and numbers are those of moby/buildkit: session/auth, session/secrets and api/services/control. */
const definitions = `
syntax = "proto3";

message CredentialsRequest { string host = 1; }
message CredentialsResponse { string username = 1; string secret = 2; }

message GetSecretRequest { string id = 1; }
message GetSecretResponse { bytes data = 1; }

message HealthCheckRequest { string service = 1; }
message HealthCheckResponse { int32 status = 1; }

message Time { int64 seconds = 1; int32 nanos = 2; }

message Vertex {
  string digest = 1;
  string name = 3;
  bool cached = 4;
  Time started = 5;
  Time completed = 6;
  string error = 7;
}

message VertexStatus {
  string id = 1;
  string vertex = 2;
  int64 total = 5;
  Time completed = 8;
}

message VertexLog {
  string vertex = 1;
  int64 stream = 3;
  bytes msg = 4;
}

message Status {
  repeated Vertex vertexes = 1;
  repeated VertexStatus statuses = 2;
  repeated VertexLog logs = 3;
}
`;

const { root } = protobuf.parse(definitions);

/** Milliseconds since the epoch; undefined where the message leaves the time out. */
const time = z
  .object({ seconds: z.number(), nanos: z.number() })
  .nullish()
  .transform((value) => (value ? value.seconds * 1000 + value.nanos / 1e6 : undefined));

const statusSchema = z.object({
  vertexes: z.array(
    z.object({
      digest: z.string(),
      name: z.string(),
      cached: z.boolean(),
      started: time,
      completed: time,
      error: z.string(),
    }),
  ),
  statuses: z.array(
    z.object({ id: z.string(), vertex: z.string(), total: z.number(), completed: time }),
  ),
  logs: z.array(
    z.object({ vertex: z.string(), stream: z.number(), msg: z.instanceof(Uint8Array) }),
  ),
});

/** What became of some vertices, which are what BuildKit calls its steps. */
export type Status = z.output<typeof statusSchema>;
export type Vertex = Status['vertexes'][number];

const statusType = root.lookupType('Status');

/** @throws Error where the bytes are no such message. */
export function decodeStatus(bytes: Uint8Array): Status {
  const message = statusType.decode(bytes);
  return statusSchema.parse(statusType.toObject(message, { longs: Number, defaults: true }));
}

/** Turns a status into bytes, as BuildKit does. */
export function encodeStatus(status: object): Uint8Array {
  return statusType.encode(statusType.fromObject(status)).finish();
}

export interface CredentialsRequest {
  host: string;
}
export interface Credentials {
  username: string;
  secret: string;
}
export interface SecretRequest {
  id: string;
}
export interface SecretAnswer {
  data: Buffer;
}

/** The calls that BuildKit makes back to its client, with the paths of their services. */
export const calls = {
  credentials: call<CredentialsRequest, Partial<Credentials>>(
    '/moby.filesync.v1.Auth/Credentials',
    'Credentials',
  ),
  secret: call<SecretRequest, SecretAnswer>(
    '/moby.buildkit.secrets.v1.Secrets/GetSecret',
    'GetSecret',
  ),
  health: call<object, { status: number }>('/grpc.health.v1.Health/Check', 'HealthCheck'),
};

function call<Request, Answer extends object>(
  path: string,
  name: string,
): MethodDefinition<Request, Answer> {
  const request = root.lookupType(`${name}Request`);
  const answer = root.lookupType(`${name}Response`);
  const encode = (type: protobuf.Type) => (value: object) =>
    Buffer.from(type.encode(type.fromObject(value)).finish());
  const decode =
    <Value>(type: protobuf.Type) =>
    (bytes: Buffer) =>
      type.toObject(type.decode(bytes), { defaults: true }) as Value;
  return {
    path,
    requestStream: false,
    responseStream: false,
    requestSerialize: (value) => encode(request)(value as object),
    requestDeserialize: decode<Request>(request),
    responseSerialize: encode(answer),
    responseDeserialize: decode<Answer>(answer),
  };
}

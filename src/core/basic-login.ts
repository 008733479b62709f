/** A user and a password, as a file holds them and as HTTP's basic authentication sends them (RFC 7617). */

export interface BasicLogin {
  user: string;
  password: string;
}

/** The `user:password` of the first line; undefined where it is none. */
export function loginIn(text: string): BasicLogin | undefined {
  const [line = ''] = text.split('\n');
  const [, user, password] = /^([^:]+):(.+)$/.exec(line.trim()) ?? [];
  return user === undefined || password === undefined ? undefined : { user, password };
}

/** Value of the header `Authorization`. */
export function basicAuthorization({ user, password }: BasicLogin): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
}

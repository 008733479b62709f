/** Names of images, as Docker reads them. */
import { describe, expect, it } from 'vitest';
import { parseImage } from '../../src/core/image-reference.ts';

const digest = `sha256:${'a'.repeat(64)}`;

describe('the name of an image', () => {
  it.each([
    ['busybox', 'docker.io', 'library/busybox', 'latest'],
    ['busybox:1.36', 'docker.io', 'library/busybox', '1.36'],
    ['docker.io/busybox', 'docker.io', 'library/busybox', 'latest'],
    ['index.docker.io/bitnami/redis:7', 'docker.io', 'bitnami/redis', '7'],
    ['localhost/app', 'localhost', 'app', 'latest'],
    ['127.0.0.1:5000/app:main', '127.0.0.1:5000', 'app', 'main'],
    ['r.example.com/a/b__c/d-e:v1.2_3', 'r.example.com', 'a/b__c/d-e', 'v1.2_3'],
    [`r.example.com:80/a@${digest}`, 'r.example.com:80', 'a', digest],
    [`a/b:tag@${digest}`, 'docker.io', 'a/b', digest],
  ])('%s', (name, host, path, reference) => {
    expect(parseImage(name)).toEqual({ host, path, reference });
  });

  it.each([
    '',
    'Upper',
    'a b',
    'a:',
    'a//b',
    'r.example.com/',
    '$IMAGE',
    `a@sha256:${'a'.repeat(63)}`,
  ])('%s is none', (name) => expect(parseImage(name)).toBeUndefined());
});

it('a name full of dashes is refused at once, not after each way to read it', () => {
  expect(parseImage(`a${'-a'.repeat(60)}@sha512:${'0'.repeat(128)}`)).toBeUndefined();
  expect(parseImage(`a${'-a'.repeat(60)}`)).toMatchObject({ reference: 'latest' });
});

/** Names of images: exact values, and that Docker takes them whatever a project is called. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { refTag, repositoryOf, shaTag } from '../../../src/build/image/image-name.ts';

/** The grammar of github.com/distribution/reference. */
const component = '[a-z0-9]+(?:(?:[._]|__|[-]+)[a-z0-9]+)*';
const domainComponent = '(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])';
const domain = `${domainComponent}(?:\\.${domainComponent})*(?::[0-9]+)?`;
const reference = new RegExp(`^${domain}(?:/${component})+$`);
const tag = /^\w[\w.-]{0,127}$/;
const nameLimit = 255;

describe('repositoryOf', () => {
  it.each([
    ['shop/cart', 'r.test:5000/shop/cart'],
    ['a/b-c/d.e/f_g', 'r.test:5000/a/b-c/d.e/f_g'],
    ['Shop/CART', 'r.test:5000/shop/cart'],
    ['shop/cart-', 'r.test:5000/shop/cart-5e0c23'],
    ['shop/a__b', 'r.test:5000/shop/a-b-63e5c1'],
    ['shop/_', 'r.test:5000/shop/x-d2e2ad'],
  ])('of %s', (path, wanted) => {
    expect(repositoryOf('r.test:5000', path)).toBe(wanted);
  });

  it('keeps a prefix of the registry, and drops its last slash', () => {
    expect(repositoryOf('r.test/team/', 'shop/cart')).toBe('r.test/team/shop/cart');
  });

  it('keeps paths apart that differ only in what registries do not take', () => {
    const paths = ['shop/a-b', 'shop/a--b', 'shop/a-_b', 'shop/-a-b', 'shop/a-b-', 'shop/a_b'];
    const long = ['c', 'd'].map((end) => `${'shop/'.repeat(60)}${end}`);
    const names = [...paths, ...long].map((path) => repositoryOf('r.test', path));
    expect(new Set(names).size).toBe(names.length);
  });

  it('is a name that Docker takes, whatever the path is', () => {
    const unit = fc.constantFrom(...'aZ09-_. Äİß漢🚀');
    const part = fc.string({ minLength: 1, maxLength: 255, unit });
    fc.assert(
      fc.property(fc.array(part, { minLength: 1, maxLength: 20 }), (parts) => {
        const name = repositoryOf('127.0.0.1:5000', parts.join('/'));
        expect(name).toMatch(reference);
        expect(name.length).toBeLessThanOrEqual(nameLimit);
      }),
    );
  });
});

describe('tags', () => {
  it.each([
    ['refs/heads/main', 'main'],
    ['refs/tags/v1.2.3', 'v1.2.3'],
    ['refs/heads/Feature/#12 new', 'feature-12-new'],
    ['refs/heads/.hidden', 'hidden'],
    ['refs/heads/漢', 'ref'],
    ['refs/heads/_x', '_x'],
  ])('of %s is %s', (ref, wanted) => {
    expect(refTag(ref)).toBe(wanted);
  });

  it('of a commit is its first twelve digits', () => {
    expect(shaTag('0123456789abcdef0123456789abcdef01234567')).toBe('sha-0123456789ab');
  });

  it('are ones that Docker takes, whatever the ref is', () => {
    const unit = fc.constantFrom(...'aZ09-_./ Äİß漢🚀#+');
    fc.assert(
      fc.property(fc.string({ minLength: 1, maxLength: 300, unit }), (name) => {
        expect(refTag(`refs/heads/${name}`)).toMatch(tag);
      }),
    );
  });
});

// @ts-check
/**
 * The options of an instance, with those of secure connections (secure-connections.ts)
 * where the test does not set its own.
 *
 * @template {object} T
 * @param {T} own
 * @returns {T}
 */
export function secureOptions(own) {
  const { tls, sasl } = JSON.parse(process.env.TEST_INSTANCE_OPTIONS ?? '{}');
  if (!tls || 'tls' in own || 'client' in own) {
    return own;
  }
  // An instance proves one identity, not two.
  return 'credentials' in own ? { tls, ...own } : { tls, sasl, ...own };
}

import { HungUpError, TlsOptionsError } from './frame-connection.js';

/** Why a connection could not be had, and what to do about it. */
export interface ConnectFailure {
  readonly text: string;
  /** Another attempt will not help before somebody changes something. */
  readonly isOfTls: boolean;
}

/** Node's and OpenSSL's codes: what the server did or is. */
const PLAIN_TEXTS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'refused the connection: nothing listens there',
  ECONNRESET: 'reset the connection',
  EHOSTUNREACH: 'cannot be reached: there is no route',
  ENETUNREACH: 'cannot be reached: there is no network',
  ETIMEDOUT: 'did not accept the connection in time',
};

const SET_CA =
  'its certificate is signed by none of the authorities of the option tls.ca: ' +
  'set it to the one that signs the certificates of your ZooKeeper servers';
const SET_CERTIFICATE =
  'it demands a certificate of the client: set the options tls.cert and tls.key';
const REFUSED_CERTIFICATE =
  'it refused the certificate of the option tls.cert: its trust store has to ' +
  'hold the authority that signed it, and it must not have expired';
const NO_VERSION =
  'both sides agree on no version of TLS: the options tls.minVersion and ' +
  'tls.maxVersion leave out what it speaks';
const NO_TLS =
  'it speaks no TLS at this port: connect to its secureClientPort, or leave the ' +
  'option tls out';
/** What a server does that stops, and what one does that speaks no TLS. */
const HUNG_UP_IN_HANDSHAKE =
  'closed the connection in the TLS handshake: it does not serve now, or ' +
  'it speaks no TLS at this port (then connect to its secureClientPort, or leave ' +
  'the option tls out)';

const TLS_TEXTS: Readonly<Record<string, string>> = {
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: SET_CA,
  UNABLE_TO_GET_ISSUER_CERT: SET_CA,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: SET_CA,
  SELF_SIGNED_CERT_IN_CHAIN: SET_CA,
  DEPTH_ZERO_SELF_SIGNED_CERT: SET_CA,
  CERT_SIGNATURE_FAILURE: SET_CA,
  CERT_HAS_EXPIRED:
    'its certificate, or that of the option tls.ca, has expired: renew it',
  CERT_NOT_YET_VALID:
    'its certificate is not valid yet: compare the clocks of both machines',
  CERT_REVOKED: 'its certificate is on the list of the option tls.crl',
  ERR_TLS_CERT_ALTNAME_INVALID:
    'its certificate is made out to another name: use that name in the option ' +
    'connectionString, or set tls.servername to it',
  ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION: NO_VERSION,
  ERR_SSL_UNSUPPORTED_PROTOCOL: NO_VERSION,
  ERR_SSL_WRONG_VERSION_NUMBER: NO_TLS,
  ERR_SSL_PACKET_LENGTH_TOO_LONG: NO_TLS,
  ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE: SET_CERTIFICATE,
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: SET_CERTIFICATE,
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_UNKNOWN: REFUSED_CERTIFICATE,
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED: REFUSED_CERTIFICATE,
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_REVOKED: REFUSED_CERTIFICATE,
  ERR_SSL_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE: REFUSED_CERTIFICATE,
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: REFUSED_CERTIFICATE,
  ERR_SSL_TLSV1_ALERT_ACCESS_DENIED: REFUSED_CERTIFICATE,
};

/** What OpenSSL says of options, and what is wrong with them then. */
const OPTION_MISTAKES: readonly [RegExp, string][] = [
  [/bad decrypt|mac verify/, ': tls.passphrase is wrong or missing'],
  [/key values mismatch/, ': tls.key does not belong to tls.cert'],
  [
    /Unsupported PKCS12/,
    ': tls.pfx is encrypted by a method of old. Make it anew, or start Node ' +
      'with --openssl-legacy-provider',
  ],
];

/** A TLS alert, read as the length of a frame. */
const TLS_ALERT = /^a frame of 35231\d{4} bytes/;

/**
 * Says in a sentence, without its subject, why a server could not be used.
 *
 * @param isEncrypted whether TLS was asked for
 * @param hasCertificate whether the client showed one
 */
export function describeConnectFailure(
  error: Error & { code?: unknown; cert?: unknown },
  isEncrypted: boolean,
  hasCertificate: boolean,
): ConnectFailure {
  const code = typeof error.code === 'string' ? error.code : '';
  if (isEncrypted) {
    const known = TLS_TEXTS[code];
    if (known !== undefined) {
      const isMissing = known === REFUSED_CERTIFICATE && !hasCertificate;
      const text = isMissing ? SET_CERTIFICATE : known;
      return tlsFailure(text, detail(error, code));
    }
    if (/secure TLS connection was established/.test(error.message)) {
      return { text: HUNG_UP_IN_HANDSHAKE, isOfTls: false };
    }
    if (
      error instanceof TlsOptionsError ||
      /^ERR_(SSL|OSSL|TLS|CRYPTO)/.test(code)
    ) {
      const { message } = error;
      const mistake = OPTION_MISTAKES.find(([said]) => said.test(message))?.[1];
      return tlsFailure(`the options tls do not work${mistake ?? ''}`, message);
    }
  } else if (TLS_ALERT.test(error.message)) {
    return tlsFailure('it speaks TLS at this port: set the option tls', '');
  }
  const plain = PLAIN_TEXTS[code];
  if (plain !== undefined) {
    return { text: plain, isOfTls: false };
  }
  if (error instanceof HungUpError) {
    return {
      text: isEncrypted
        ? `hung up without an answer: ${hasCertificate ? '' : 'perhaps it demands a certificate (options tls.cert and tls.key), or '}it does not serve now`
        : 'hung up without an answer: it does not serve now, or it expects TLS ' +
          '(option tls)',
      isOfTls: false,
    };
  }
  return {
    text:
      error instanceof RangeError
        ? `sent what cannot be read (${error.message}): perhaps something else ` +
          'than ZooKeeper listens there'
        : error.message,
    isOfTls: false,
  };
}

function tlsFailure(text: string, why: string): ConnectFailure {
  return {
    text: `cannot be used with TLS: ${text}${why && ` (${why})`}`,
    isOfTls: true,
  };
}

/** What the certificate says, where it matters; else OpenSSL's code. */
function detail(error: Error & { cert?: unknown }, code: string): string {
  if (code !== 'ERR_TLS_CERT_ALTNAME_INVALID') {
    return code;
  }
  const { subjectaltname } = (error.cert ?? {}) as { subjectaltname?: string };
  return `it names ${subjectaltname ?? 'nobody'}`;
}

import { bad, note, type Finding } from './finding.js';

type Version = readonly number[];

/** A bug of the versions from `from` up to, and without, `before`. */
interface KnownBug {
  readonly from: Version;
  readonly before: Version;
  readonly text: string;
  readonly fix: string;
}

/** Older ones have no container nodes that work. */
const OLDEST: Version = [3, 6, 0];
const OLDEST_MAINTAINED: Version = [3, 8, 0];

const BUGS: readonly KnownBug[] = [
  {
    from: [3, 8, 0],
    before: [3, 8, 1],
    text: 'version 3.8.0 has lost acknowledged writes when servers crashed in a row',
    fix: 'upgrade to a later 3.8 or to 3.9',
  },
  ...[
    { from: OLDEST, before: [3, 7, 2] },
    { from: [3, 8, 0], before: [3, 8, 3] },
    { from: [3, 9, 0], before: [3, 9, 1] },
  ].map((range) => ({
    ...range,
    text: 'this version lets a stranger join the servers where they log in to each other by SASL (CVE-2023-44981)',
    fix: 'upgrade to 3.7.2, 3.8.3, 3.9.1 or later, unless your distribution has mended it',
  })),
  ...[
    { from: OLDEST, before: [3, 8, 4] },
    { from: [3, 9, 0], before: [3, 9, 2] },
  ].map((range) => ({
    ...range,
    text: 'this version shows the paths of closed nodes to others (CVE-2024-23944)',
    fix: 'upgrade to 3.8.4, 3.9.2 or later, unless your distribution has mended it',
  })),
];

/** What is known of a version. */
export function judgeVersion(about: string, version: Version): Finding[] {
  const name = version.join('.');
  if (isBefore(version, OLDEST)) {
    const short = version.slice(0, 2).join('.');
    return [
      bad(
        about,
        `version ${short} is too old: 3.6 or newer is needed`,
        'upgrade the servers, one at a time',
      ),
    ];
  }
  return [
    ...BUGS.filter(
      ({ from, before }) =>
        !isBefore(version, from) && isBefore(version, before),
    ).map(({ text, fix }) => note(about, text, fix)),
    ...(isBefore(version, OLDEST_MAINTAINED)
      ? [
          note(
            about,
            `version ${name} is no longer maintained`,
            'upgrade to 3.8 or 3.9',
          ),
        ]
      : []),
  ];
}

function isBefore(version: Version, other: Version): boolean {
  const at = other.findIndex((part, index) => part !== version[index]);
  return at !== -1 && (version[at] ?? 0) < (other[at] ?? 0);
}

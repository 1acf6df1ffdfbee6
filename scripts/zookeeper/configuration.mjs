// @ts-check
/**
 * The files from which a server reads how it shall run.
 */

/**
 * @typedef {object} ServerSettings
 * @property {number} [tickTimeMs] the server's unit of time, default 200; it
 *   checks for expired sessions once per tick
 * @property {number} [minSessionTimeoutMs] default: two ticks
 * @property {number} [maxSessionTimeoutMs] default 60 s (the server's own
 *   default, 20 ticks, would be too little with short ticks)
 * @property {number} [serverId] of a member of an ensemble
 * @property {Record<string, string | number | boolean>} [config] further lines
 */

/**
 * The text of zoo.cfg.
 *
 * @param {ServerSettings & { port: number, dataDir: string }} settings
 */
export function serverConfiguration({
  port,
  dataDir,
  tickTimeMs = 200,
  minSessionTimeoutMs,
  maxSessionTimeoutMs = 60_000,
  config = {},
}) {
  const lines = {
    tickTime: tickTimeMs,
    dataDir: dataDir.replaceAll('\\', '/'),
    clientPort: port,
    clientPortAddress: '127.0.0.1',
    // All clients of a test come from the same address.
    maxClientCnxns: 0,
    minSessionTimeout: minSessionTimeoutMs ?? 2 * tickTimeMs,
    maxSessionTimeout: maxSessionTimeoutMs,
    'admin.enableServer': false,
    '4lw.commands.whitelist': '*',
    ...config,
  };
  return Object.entries(lines)
    .map(([key, value]) => `${key}=${value}\n`)
    .join('');
}

/**
 * Warnings only, on the standard error stream. Which library logs depends on the
 * installation, so each finds its own file on the class path.
 */
export const logConfiguration = {
  'simplelogger.properties': [
    'org.slf4j.simpleLogger.defaultLogLevel=warn',
    'org.slf4j.simpleLogger.showThreadName=false',
  ].join('\n'),
  'log4j.properties': [
    'log4j.rootLogger=WARN, CONSOLE',
    'log4j.appender.CONSOLE=org.apache.log4j.ConsoleAppender',
    'log4j.appender.CONSOLE.target=System.err',
    'log4j.appender.CONSOLE.layout=org.apache.log4j.PatternLayout',
    'log4j.appender.CONSOLE.layout.ConversionPattern=%p %c - %m%n',
  ].join('\n'),
  'logback.xml': `<configuration>
  <appender name="CONSOLE" class="ch.qos.logback.core.ConsoleAppender">
    <target>System.err</target>
    <encoder><pattern>%p %c - %m%n</pattern></encoder>
  </appender>
  <root level="WARN"><appender-ref ref="CONSOLE"/></root>
</configuration>
`,
};

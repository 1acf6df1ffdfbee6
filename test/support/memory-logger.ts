import { inspect } from 'node:util';
import type { LoggerService, LogLevel } from '@nestjs/common';

export interface LogEntry {
  level: LogLevel;
  message: string;
  context?: string;
}

/** Keeps what is logged: a test can read it, and the console stays empty. */
export class MemoryLogger implements LoggerService {
  readonly entries: LogEntry[] = [];

  log(message: unknown, ...parameters: unknown[]): void {
    this.add('log', message, parameters);
  }

  error(message: unknown, ...parameters: unknown[]): void {
    this.add('error', message, parameters);
  }

  warn(message: unknown, ...parameters: unknown[]): void {
    this.add('warn', message, parameters);
  }

  debug(message: unknown, ...parameters: unknown[]): void {
    this.add('debug', message, parameters);
  }

  verbose(message: unknown, ...parameters: unknown[]): void {
    this.add('verbose', message, parameters);
  }

  fatal(message: unknown, ...parameters: unknown[]): void {
    this.add('fatal', message, parameters);
  }

  /** The messages of one level, or of all. */
  messages(level?: LogLevel): string[] {
    return this.entries
      .filter((entry) => level === undefined || entry.level === level)
      .map(({ message }) => message);
  }

  private add(level: LogLevel, message: unknown, parameters: unknown[]): void {
    const text = typeof message === 'string' ? message : inspect(message);
    // Nest puts the context last; an error's stack may come before it.
    const context = parameters.at(-1);
    this.entries.push({
      level,
      message: text,
      ...(typeof context === 'string' && { context }),
    });
  }
}

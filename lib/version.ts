/** Version of this library, as other instances see it; kept by a test. */
export const VERSION = '0.1.0';

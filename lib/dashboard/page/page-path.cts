/*
 * CommonJS in both builds, because __dirname is the one way to name a file of
 * this package that both understand.
 */
export = { pageDirectory: __dirname };

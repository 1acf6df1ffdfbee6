import path = require('node:path');

// CommonJS in both builds, because __dirname is the one way to name a
// neighbouring file that both understand.
export = { keeperPath: path.join(__dirname, 'keeper.main.js') };

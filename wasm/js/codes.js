// Which error is of which code. Not in errors.js, all of which programs see.

/** @type {Map<string, new (message: string, fields?: object, cause?: unknown) => Error>} */
export const byCode = new Map();

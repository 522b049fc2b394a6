const production = { mode: "production" };
const node = { ...production, target: "node" };

export default [
  { ...production, name: "web", entry: "./main.js", output: { filename: "main.js" } },
  { ...production, name: "errors", entry: "./errors.js", output: { filename: "errors.js" } },
  { ...node, name: "node", entry: "./directory.js", output: { filename: "directory.cjs" } },
];

export default {
  entries: ['test/assembly/**/*.spec.ts'],
  include: [],
  disclude: [/node_modules/],
  instantiate: (memory, createImports, instantiate, binary) =>
    instantiate(binary, createImports({ env: { memory } })),
  outputBinary: false,
};

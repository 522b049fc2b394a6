export default {
  // The folders around this one are no part of the project.
  turbopack: { root: import.meta.dirname },
};

export default {
  poweredByHeader: false,
  serverExternalPackages: ["@libsql/client", "libsql"],
  turbopack: { root: import.meta.dirname },
};

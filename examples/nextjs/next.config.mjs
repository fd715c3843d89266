export default {
  poweredByHeader: false,
  serverExternalPackages: ["@libsql/client", "libsql"],
  turbopack: { root: import.meta.dirname },
  // `next dev` serves its scripts only to localhost and to these hosts.
  allowedDevOrigins: [new URL(process.env.BETTER_AUTH_URL || "http://localhost:3000").hostname],
};

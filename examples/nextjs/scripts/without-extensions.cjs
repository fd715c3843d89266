// A loader for the sources of tasks-client: they import "./task.js", which is "./task.ts" before a build. Turbopack does
// not know that (https://github.com/vercel/next.js/issues/82945).
module.exports = (source) => source.replace(/( from "\.[^"]+)\.js"/g, '$1"');

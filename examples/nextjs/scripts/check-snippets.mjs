// Type-check the TypeScript snippets of the documents: `node scripts/check-snippets.mjs`. `make check` calls it.
// Each fence names its file: ```ts title="lib/auth.ts". The snippets of a document are one project. When a name recurs,
// the document describes alternatives, and each of them is checked with the other files.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import ts from "typescript";

const EXAMPLE = path.resolve(import.meta.dirname, "..");
const PROJECTS = path.join(EXAMPLE, ".snippets"); // inside the example, so that imports find its node_modules
const DOCUMENTS = ["README.md", "docs/api.md"];
const CLIENT = path.resolve(EXAMPLE, "../../clients/typescript"); // needs no build

// The tsconfig.json of `npm create next-app`, without what only `next` itself uses.
const COMPILER_OPTIONS = {
  target: "ES2017", lib: ["dom", "dom.iterable", "esnext"], allowJs: true, skipLibCheck: true, strict: true, noEmit: true,
  esModuleInterop: true, module: "esnext", moduleResolution: "bundler", resolveJsonModule: true, isolatedModules: true,
  jsx: "react-jsx", paths: {
    "@/*": ["./*"],
    "tasks-client": [`${CLIENT}/src/index.ts`],
    "tasks-client/react": [`${CLIENT}/src/react/index.ts`],
    "@tanstack/react-query": [`${CLIENT}/node_modules/@tanstack/react-query`],
  },
};

/** The snippets of one document: file name -> its texts, in the order of the document. */
function snippetsOf(document) {
  const files = new Map();
  const text = readFileSync(path.join(EXAMPLE, "../..", document), "utf8");
  for (const [, info, code] of text.matchAll(/^```(tsx?\b.*)\n([^]*?)^```$/gm)) {
    const [, name] = /title="([^"]+)"/.exec(info) ?? fail(`${document}: a snippet without title="…": ${info}`);
    files.set(name, [...(files.get(name) ?? []), code]);
  }
  return files.size ? files : fail(`${document}: no snippet found`);
}

/** Write the files of one alternative and return their paths. */
function write(folder, files, alternative) {
  return [...files].map(([name, texts]) => {
    const file = path.join(folder, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, texts[Math.min(alternative, texts.length - 1)]);
    return file;
  });
}

const parsed = new Map(); // the packages' types, which all projects share

function check(folder, rootNames) {
  const { options } = ts.parseJsonConfigFileContent({ compilerOptions: COMPILER_OPTIONS, files: [] }, ts.sys, folder);
  const host = ts.createCompilerHost(options);
  const parse = host.getSourceFile;
  host.getCurrentDirectory = () => folder;
  host.getSourceFile = (name, ...rest) => {
    if (!parsed.has(name)) parsed.set(name, parse(name, ...rest));
    return parsed.get(name);
  };
  const errors = ts.getPreEmitDiagnostics(ts.createProgram(rootNames, options, host));
  if (errors.length) fail(`A snippet has a type error.\n${ts.formatDiagnosticsWithColorAndContext(errors, host)}`);
}

function fail(sentence) {
  console.error(sentence);
  process.exit(1);
}

rmSync(PROJECTS, { recursive: true, force: true });
for (const document of DOCUMENTS) {
  const files = snippetsOf(document);
  const alternatives = Math.max(...[...files.values()].map((texts) => texts.length));
  for (let alternative = 0; alternative < alternatives; alternative++) {
    const folder = path.join(PROJECTS, path.basename(document, ".md"), String(alternative + 1));
    check(folder, write(folder, files, alternative));
  }
}
rmSync(PROJECTS, { recursive: true });

// Prints the Kubernetes objects of YAML files as a JSON list, after it has checked each one in two ways: against the OpenAPI schema of its kind,
// and by the TypeScript types made from it. The schemas accept members with unknown names, the types don't.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { parseAllDocuments } from 'yaml';

// Kubernetes' own groups are in one package. Of others, only the Prometheus Operator's is needed.
const moduleOf = apiVersion =>
  `${apiVersion.startsWith('monitoring.coreos.com/') ? '@kubernetes-models/prometheus-operator' : 'kubernetes-models'}/${apiVersion}`;

const problems = [];
const found = process.argv.slice(2).flatMap(file => parseAllDocuments(readFileSync(file, 'utf8')).map(document => {
  problems.push(...document.errors.map(error => `${file}: ${error.message}`));
  return { file, object: document.toJS() };
}));
const report = ({ file, object }, message) => problems.push(`${file}: ${object.kind}/${object.metadata?.name}: ${message}`);

for (const one of found) {
  const { object } = one;
  if (object.kind === 'Secret') {
    // Kubernetes ignores line breaks in base64, which kubectl writes. The schema's format does not.
    Object.keys(object.data).forEach(key => object.data[key] = object.data[key].replace(/\s/g, ''));
  }
  try {
    const Kind = (await import(moduleOf(object.apiVersion)))[object.kind];
    if (Kind) {
      new Kind(object).validate();
    } else {
      report(one, `${object.apiVersion} has no kind ${object.kind}`);
    }
  } catch (error) {
    report(one, error.message);
  }
}

// One file in memory with a line for each object.
const source = fileURLToPath(new URL('objects.ts', import.meta.url));
const text = found.map(({ object }, i) =>
  `export const o${i}: import(${JSON.stringify(moduleOf(object.apiVersion))}).I${object.kind} = ${JSON.stringify(object)};`).join('\n');
const options = {
  noEmit: true, strict: true, skipLibCheck: true, types: [],
  target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.NodeNext, moduleResolution: ts.ModuleResolutionKind.NodeNext,
};
const host = ts.createCompilerHost(options);
const { getSourceFile, fileExists, readFile } = host;
host.getSourceFile = (name, ...rest) => name === source ? ts.createSourceFile(name, text, options.target) : getSourceFile(name, ...rest);
host.fileExists = name => name === source || fileExists(name);
host.readFile = name => name === source ? text : readFile(name);
for (const { start, messageText } of ts.getPreEmitDiagnostics(ts.createProgram([source], options, host))) {
  report(found[text.slice(0, start).split('\n').length - 1], ts.flattenDiagnosticMessageText(messageText, '\n'));
}

if (problems.length > 0) {
  console.error(problems.join('\n'));
  process.exit(1);
}
console.log(JSON.stringify(found.map(({ object }) => object)));

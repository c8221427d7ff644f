// Checks the files of a release against their schemas, prints what is wrong and ends with 1:
//   check.mjs workflow FILE…    workflows, with the parser and the schema of the forge, which also check expressions
//   check.mjs sbom FILE…        bills of materials, against the schemas of CycloneDX 1.6
import { readFileSync } from 'node:fs';
import { register } from 'node:module';
import Ajv from 'ajv';
import addFormats from 'ajv-formats';

async function workflowProblems() {
  // The parser imports its schema in the way of bundlers, which Node.js rejects.
  const hook = 'export const load = (url, context, next) => next(url, url.endsWith(".json") ? { ...context, importAttributes: { type: "json" } } : context);';
  register(`data:text/javascript,${encodeURIComponent(hook)}`);
  const { NoOperationTraceWriter, convertWorkflowTemplate, parseWorkflow } = await import('@actions/workflow-parser');
  return async (name, content) => {
    const { context, value } = parseWorkflow({ name, content }, new NoOperationTraceWriter());
    if (value) {
      await convertWorkflowTemplate(context, value);
    }
    return context.errors.getErrors().map(error => error.message);
  };
}

function sbomProblems() {
  // The schemas refer to each other by the names of their files.
  const schemas = new URL('node_modules/@cyclonedx/cyclonedx-library/res/schema/', import.meta.url);
  const schema = name => ({ ...JSON.parse(readFileSync(new URL(`${name}.SNAPSHOT.schema.json`, schemas), 'utf8')), $id: `http://cyclonedx.org/schema/${name}.SNAPSHOT.schema.json` });
  // ajv-formats has no check for international addresses.
  const ajv = addFormats(new Ajv({ strict: false, allErrors: true, formats: { 'iri-reference': true, 'idn-email': true } }));
  for (const name of ['spdx', 'jsf-0.82', 'cryptography-defs']) {
    ajv.addSchema(schema(name));
  }
  const validate = ajv.compile(schema('bom-1.6'));
  return (name, content) => validate(JSON.parse(content)) ? [] : validate.errors.map(error => `${name} ${error.instancePath}: ${error.message}`);
}

const [kind, ...files] = process.argv.slice(2);
const problems = await { workflow: workflowProblems, sbom: sbomProblems }[kind]();
for (const file of files) {
  for (const problem of await problems(file, readFileSync(file, 'utf8'))) {
    console.error(problem);
    process.exitCode = 1;
  }
}

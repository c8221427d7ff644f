// Prints YAML files as a JSON list. A file after --compose must conform to the schema of the compose specification, which dclint contains.
// The other rules of dclint, such as the order of keys, do not apply.
import { readFileSync } from 'node:fs';
import Ajv from 'ajv';
import { parse } from 'yaml';

const read = file => parse(readFileSync(file, 'utf8'));
const files = process.argv.slice(2);
if (files[0] === '--compose') {
  files.shift();
  const schema = JSON.parse(readFileSync(new URL('node_modules/dclint/schemas/compose.schema.json', import.meta.url), 'utf8'));
  const validate = new Ajv({ strict: false, validateFormats: false, allErrors: true }).compile({ ...schema, $schema: undefined });
  if (!validate(read(files[0]))) {
    for (const { instancePath, message, params } of validate.errors) {
      console.error(`${instancePath}: ${message} ${JSON.stringify(params)}`);
    }
    process.exit(1);
  }
}
console.log(JSON.stringify(files.map(read)));

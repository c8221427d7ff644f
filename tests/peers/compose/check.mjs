// Prints YAML files as a JSON list. The one after --compose has to be what the compose specification's schema allows, which dclint carries; its
// own rules, about the order of keys and the like, are not asked.
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

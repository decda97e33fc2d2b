// The public API of every subpath that the package exports, as reports in etc/: whoever changes one sees it in the diff.
// `npm run api` writes them anew; with --check it writes nothing, and exit code 1 says that one differs.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const isCheck = process.argv.includes('--check');
if (!isCheck) {
  const { status } = spawnSync(process.execPath, [join(root, 'scripts/setup.mjs')], {
    stdio: 'inherit',
  });
  if (status !== 0) process.exit(1);
}
const { Extractor, ExtractorConfig } = await import('@microsoft/api-extractor'); // there after the set-up

const packageFile = join(root, 'package.json');
const { exports } = JSON.parse(readFileSync(packageFile, 'utf8'));
const temporary = mkdtempSync(join(tmpdir(), 'isr-api-'));
const differing = Object.entries(exports)
  .filter(([, { types }]) => types)
  .map(([subpath, { types }]) => [reportName(subpath), types])
  .filter(([report, types]) => extract(report, types) && isCheck)
  .map(([report]) => `etc/${report}`);
rmSync(temporary, { recursive: true });
if (differing.length > 0) {
  console.error(
    `the public API is no longer what ${differing.join(', ')} says: if it is meant, npm run api`,
  );
  process.exitCode = 1;
}

/** `./origin/express` → `origin-express.api.md` */
function reportName(subpath) {
  const name = subpath === '.' ? 'edge-isr' : subpath.slice(2).replaceAll('/', '-');
  return `${name}.api.md`;
}

/** @returns whether the report was another one */
function extract(reportFileName, types) {
  const config = ExtractorConfig.prepare({
    configObjectFullPath: undefined,
    packageJsonFullPath: packageFile,
    configObject: {
      projectFolder: root,
      mainEntryPointFilePath: join(root, types),
      compiler: { tsconfigFilePath: join(root, 'tsconfig.build.json') },
      apiReport: {
        enabled: true,
        reportFileName,
        reportFolder: join(root, 'etc'),
        reportTempFolder: temporary,
      },
      messages: {
        extractorMessageReporting: {
          default: { logLevel: 'none' }, // those that matter stand in the report
          'ae-forgotten-export': { logLevel: 'none', addToApiReportFile: true },
        },
      },
      newlineKind: 'lf',
    },
  });
  const { apiReportChanged } = Extractor.invoke(config, {
    localBuild: !isCheck,
    messageCallback: (message) => {
      message.handled = message.logLevel !== 'error'; // what changed is for the caller to say
    },
  });
  return apiReportChanged;
}

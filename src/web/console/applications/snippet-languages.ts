/** A language: its file below views/snippets, how the file is run, and how values are written in it. */
export interface Language {
  readonly label: string
  readonly file: string
  readonly run: string
  literal(value: string): string
  /** The value of an environment variable. */
  variable(name: string): string
}

const inDoubleQuotes = (value: string): string => JSON.stringify(value)

const inShell = (value: string): string => `'${value.replaceAll("'", String.raw`'\''`)}'`

const inPhp = (value: string): string => `'${value.replace(/[\\']/g, String.raw`\$&`)}'`

export const LANGUAGES: readonly Language[] = [
  {
    label: 'curl',
    file: 'get-token.sh',
    run: 'sh get-token.sh',
    literal: inShell,
    variable: (name) => `"$${name}"`,
  },
  {
    label: 'Node',
    file: 'get-token.mjs',
    run: 'node get-token.mjs',
    literal: inDoubleQuotes,
    variable: (name) => `env.${name}`,
  },
  {
    label: 'Python',
    file: 'get_token.py',
    run: 'python3 get_token.py',
    literal: inDoubleQuotes,
    variable: (name) => `os.environ["${name}"]`,
  },
  {
    label: 'Java',
    file: 'GetToken.java',
    run: 'java GetToken.java',
    literal: inDoubleQuotes,
    variable: (name) => `System.getenv("${name}")`,
  },
  {
    label: 'Go',
    file: 'get_token.go',
    run: 'go run get_token.go',
    literal: inDoubleQuotes,
    variable: (name) => `os.Getenv("${name}")`,
  },
  {
    label: 'C#',
    file: 'GetToken.cs',
    run: 'dotnet run GetToken.cs',
    literal: inDoubleQuotes,
    variable: (name) => `Environment.GetEnvironmentVariable("${name}")!`,
  },
  {
    label: 'PHP',
    file: 'get-token.php',
    run: 'php get-token.php',
    literal: inPhp,
    variable: (name) => `getenv('${name}')`,
  },
]

/** `ekiden completion`: lets a shell complete commands and options. */
import { Argument, Command } from 'commander';

export function addCompletion(program: Command): void {
  program
    .command('completion')
    .description('print what makes a shell complete commands and options')
    .addArgument(new Argument('<shell>', 'which shell').choices(['bash', 'zsh', 'fish']))
    .addHelpText('after', '\nIn bash and zsh: source <(ekiden completion bash)')
    .action(async (shell: string) => {
      const { default: tab } = await import('@bomb.sh/tab');
      tab.setup('ekiden', 'ekiden', shell);
    });
  // What the printed text asks at each press of the key.
  program
    .command('complete', { hidden: true })
    .argument('[words...]')
    .action(async (words: string[]) => {
      const { default: read } = await import('@bomb.sh/tab/commander');
      read(withoutItself(program)).parse(words);
    });
}

/** The reader adds commands of the same names, so it is given all but these. */
function withoutItself(program: Command): Command {
  const others = new Command(program.name());
  for (const command of program.commands) {
    if (!['completion', 'complete'].includes(command.name())) others.addCommand(command);
  }
  return others;
}

/** `ekiden completion`: lets a shell complete commands and options. */
import { Argument, Command } from 'commander';
import { engineName, roleNames } from '../role-names.ts';

/** What the printed text asks at each press of the key, and no person. */
const asked = 'complete';

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
  program
    .command(asked, { hidden: true })
    .argument('[words...]')
    .action(async (words: string[]) => {
      const { default: read } = await import('@bomb.sh/tab/commander');
      const offered = read(withoutAsked(program));
      offered.commands.delete(asked);
      offered.parse(words);
    });
}

/** The reader adds a command of that name itself. */
function withoutAsked(program: Command): Command {
  const others = new Command(program.name());
  others.addArgument(new Argument('[roles...]').choices([...roleNames, engineName]));
  for (const command of program.commands) {
    if (command.name() !== asked) others.addCommand(command);
  }
  return others;
}

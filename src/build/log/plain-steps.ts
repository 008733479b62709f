/** Writes the steps of a build as plain text. */
import type { StepEvent } from '../../core/build-step.ts';

/** Answers what is to be given each event; `write` gets the text. */
export function tellStep(write: (text: string) => void): (event: StepEvent) => void {
  return (event) => {
    if (event.type === 'started')
      write(`${event.origin ? `${event.origin}  ` : ''}${event.title}\n`);
    else if (event.type !== 'ended') write(event.text);
    else if (event.state === 'hit') write('  from the cache\n');
  };
}

/** What holds for every test: an API that it asked answered as its document says, and connections are kept. */
import { afterAll, afterEach, expect } from 'vitest';
import { wrongAnswers } from './api-answers.ts';
import './kept-connections.ts';

const expectDocumentedAnswers = async () => expect(await wrongAnswers()).toEqual([]);

afterEach(expectDocumentedAnswers);
// Some are complete only when their server has stopped.
afterAll(expectDocumentedAnswers);

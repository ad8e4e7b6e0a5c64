import { problemOf, sentenceOf } from '../../src/api/problem';
import { queryText } from '../../src/api/query-text';
import { curlText } from '../../src/format/curl-text';
import { kindOfToken } from '../../src/session/token-kind';

describe('query strings', () => {
  test('leave out what is not asked, repeat lists and write objects with brackets', () => {
    const query = {
      a: undefined,
      b: '',
      c: 0,
      subject: ['x', 'y&z'],
      filterGroupBy: { method: ['GET', 'PUT'] },
    };
    expect(queryText(query)).toBe(
      '?c=0&subject=x&subject=y%26z&filterGroupBy%5Bmethod%5D=GET&filterGroupBy%5Bmethod%5D=PUT',
    );
    expect(queryText({})).toBe('');
  });
});

describe('curl commands', () => {
  test('are quoted for a shell and leave the token to a variable', () => {
    const text = curlText('http://localhost:8888', {
      method: 'POST',
      path: '/api/v1/x',
      body: { name: "it's" },
    });
    expect(text).toContain(`-d '{"name":"it'\\''s"}'`);
    expect(text).toContain('$TOLLGATE_API_TOKEN');
    expect(text).toContain("-X POST 'http://localhost:8888/api/v1/x'");
  });
});

describe('problems', () => {
  test('are told in the words of the server, with the fields they are about', () => {
    const body = {
      detail: 'the body is not valid',
      code: 'validation_failed',
      extensions: { validationErrors: [{ code: 'x', field: '$.slug', message: 'must not be empty' }, null] },
    };
    const problem = problemOf(400, JSON.stringify(body));
    expect(problem.code).toBe('validation_failed');
    expect(problem.fields).toEqual([{ field: '$.slug', message: 'must not be empty' }]);
    expect(sentenceOf(problem)).toBe('The body is not valid.');
  });

  test.each(['<html>', '', 'null', '[]'])(
    'an answer that is no problem document (%p) still makes a sentence',
    (text) => {
      expect(sentenceOf(problemOf(502, text))).toContain('502');
    },
  );
});

describe('tokens', () => {
  test('of the portal are told from those of the API by their three parts', () => {
    expect(kindOfToken('eyJh.eyJz.c2ln')).toBe('portal');
    expect(kindOfToken('tg_abc-DEF_1')).toBe('api');
  });
});

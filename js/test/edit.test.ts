import { expect, test } from "vitest";
import { parse, write } from "../src/edit";

test("tags are read as they are written", () => {
  const tags: [string, string][] = [["lr", "0.1"], ["note", "a=b, c"], ["empty", ""]];
  expect(parse(write(tags))).toEqual(tags);
  expect(parse(" lr = 0.1 \n\n")).toEqual([["lr", "0.1"]]);
  expect(parse("")).toEqual([]);
});

test.each(["lr", "=1", "lr=1\nx"])("%j is no list of tags, and is told in a sentence", (text) => {
  expect(parse(text)).toMatch(/^A tag is KEY=VALUE/);
});

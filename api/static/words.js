// Every word the page says, in its two languages.

const WORDS = {
  en: {
    other: "中文",
    otherCode: "zh",
    invitation: "Ask your documents",
    ask: "Ask",
    another: "Ask another question",
    promise: "Every statement in the answer points at the place it comes from.",
    waiting: "Reading the documents",
    answered: "The answer is below.",
    refused: "Not answered",
    because: (reason) => `Why: ${reason}.`,
    refusedHint: "Nothing was made up. The nearest passages are below, to judge for yourself.",
    sources: "Sources",
    page: (n) => `page ${n}`,
    back: (n) => `Back to marker ${n} in the answer`,
    toSource: (n) => `Source ${n}`,
    passages: (n) => (n === 1 ? "1 passage read" : `${n} passages read`),
    legend: "Best first. “Words” and “meaning” are the two searches: rank and score of the passage in each.",
    sparse: "words",
    dense: "meaning",
    score: "score",
    missed: "not found",
    time: { retrieval: "search", generation: "answer", total: "total" },
    by: (name) => `answered by ${name}`,
    generation: (id) => `index ${id}`,
    problems: {
      "not-ready": "Not ready yet",
      "index-missing": "There is no index yet",
      "index-damaged": "The index is damaged",
      "index-busy": "The index is busy",
      setting: "A setting of the service is wrong",
      generator: "The answering model failed",
      question: "The question cannot be answered as it is",
      offline: "The service cannot be reached",
    },
    failed: "That did not work",
    offline: "Is it still running? Your question is kept above; ask again in a moment.",
  },
  zh: {
    other: "English",
    otherCode: "en",
    invitation: "向你的文档提问",
    ask: "提问",
    another: "再问一个问题",
    promise: "回答中的每一句话都注明出处。",
    waiting: "正在查阅文档",
    answered: "回答在下方。",
    refused: "未作回答",
    because: (reason) => `原因：${reason}`,
    refusedHint: "没有编造任何内容。最接近的段落列在下方，供你自行判断。",
    sources: "出处",
    page: (n) => `第 ${n} 页`,
    back: (n) => `回到正文中的标记 ${n}`,
    toSource: (n) => `出处 ${n}`,
    passages: (n) => `查阅了 ${n} 个段落`,
    legend: "按相关程度排列。“词语”和“语义”是两路检索，各列出该段落的名次与得分。",
    sparse: "词语",
    dense: "语义",
    score: "得分",
    missed: "未命中",
    time: { retrieval: "检索", generation: "回答", total: "合计" },
    by: (name) => `由 ${name} 作答`,
    generation: (id) => `索引 ${id}`,
    problems: {
      "not-ready": "尚未就绪",
      "index-missing": "还没有索引",
      "index-damaged": "索引已损坏",
      "index-busy": "索引正忙",
      setting: "服务的某项设置有误",
      generator: "回答模型出错",
      question: "这个问题无法处理",
      offline: "无法连接服务",
    },
    failed: "未能完成",
    offline: "服务还在运行吗？问题已保留在上方，请稍后再试。",
  },
};

const KEY = "lectern-language";

function remembered() {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null; // storage may be switched off
  }
}

export function firstLanguage() {
  const known = remembered();
  if (known in WORDS) return known;
  return /^zh\b/i.test(navigator.language) ? "zh" : "en";
}

export function remember(language) {
  try {
    localStorage.setItem(KEY, language);
  } catch {
    // the choice then lasts until the page is left
  }
}

export function words(language) {
  return WORDS[language];
}

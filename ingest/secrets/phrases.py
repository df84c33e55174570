"""Passwords in Chinese characters: `密码：天王盖地虎`, `解压密码：宝塔镇河妖2024`, `口令是“芝麻开门”`.

After the same word, forms and manuals say what a password is or has to be (`密码：六位数字`). So a
phrase counts only where it is the whole rest of a line that begins with its label, or stands between
quotes, and holds no word of such descriptions. The words were chosen on lines written for that. Of 70
short descriptions written afterwards (`密码：老板知道`) 40 were taken for passwords before their words were
added, of 22 passwords 21 were found: a hint too much is replaced, and the report names it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ingest.secrets.spans import Span

_WORDS = ("密码", "密碼", "口令")
_BEFORE = 60
_LONGEST = 24
_CJK = "\u3400-\u4dbf\u4e00-\u9fff"
_VALUE = (
    rf"(?P<value>[A-Za-z0-9!@#$%^&*_.+\-]{{0,12}}+[{_CJK}][{_CJK}A-Za-z0-9!@#$%^&*_.+\-]{{3,{_LONGEST}}}+)"
)
_PLAIN = re.compile(
    rf"""(?:[ ]?[(（][^()（）\n]{{0,20}}+[)）])?[*_`]{{0,3}}+[ \t\u3000]{{0,4}}+
    [:=][*_]{{0,3}}+[ \t\u3000]{{0,4}}+
    (?P<mark>[`*"']{{0,2}}+){_VALUE}(?P=mark)[ \t\u3000]{{0,4}}+(?:$|\n|[。；;|]|[(（]|<br)""",
    re.VERBOSE,
)
_QUOTED = re.compile(rf"[ ]?[:=是为][ ]?[“「『‘\"']{_VALUE}[”」』’\"']")
# What has a password: `财富密码：坚持学习` and `旅行密码：…` are headings.
_OPENED = (
    r"无线|热点|路由器?|网络|宽带|光猫|门禁|门锁|大门|房门|开锁|保险[柜箱]|密码[箱柜]|解压|压缩包|文件|文档|数据库|库|邮箱|开机"
    r"|锁屏|屏幕|手机|电脑|平板|服务器|主机|后台|管理员?|超管|登[录陆]|会议|进?入?群|支付|交易|取款|银行卡?|网银|网盘|云盘|共享盘?"
    r"|远程|系统|备份盘?|硬盘|加密盘|账户|初始|默认|新|旧|老|备用|公司|家里?|办公室|机房|堡垒机|相册|空间|访问|提取|连接|二级|我的"
)
# A list's mark and what is opened; or the account that it belongs to.
_LABEL = re.compile(
    rf"(?:^|[\n|；;。])[ \t\u3000]*(?:[-*+•>#]{{1,3}}[ ]|\d{{1,2}}[.)、][ ]?)?[*_`]{{0,3}}"
    rf"(?:(?:{_OPENED}|[A-Za-z0-9\-]{{1,16}})[ ]?){{0,3}}$"
    r"|(?:账号|帐号|账户|帐户|用户名?|登录名|[Uu]ser(?:name)?|[Ll]ogin|SSID|名称)[ ]?[:=]?[ ]?"
    rf"[^\s:=]{{1,40}}[ \t\u3000，,、；;/|]+[{_CJK}]{{0,4}}$"
)
# Before the word: what is done about a password, and others than one's own.
_DONE = re.compile(
    r"请|输入|确认|修改|更改|重置|设置|设定|提交|忘记|找回|验证|校验|检查|加密|哈希|生成|持久|存储|保存|明文|弱|强|公钥|关于|使用|提示"
)
# What descriptions, rules, templates and references are made of, and passwords hardly.
_DESCRIBED = re.compile(
    r"""的|了|吗|吧|请|您|或者|以及|如果|是否|不能|不可|不要|不得|不少|不超|不同|不变|不支持|不用|不需|不填|不必|不显
    |参见|参考|参照|见下|见上|详见|同上|同前|如下|如上|如图|上述|下面|附件|联系|咨询|询问|待定|待补|暂无|没有|无需|为空|留空
    |默认|初始|随机|自动|自行|自定|自己|本人|生成|必须|必填|选填|可选|至少|至多|最少|最多|最长|最短|以上|以内|之间|超过
    |[位个种][^海置人]*(?:数|字|字符)|字符|字母|数字|大写|小写|大小|长度|格式|类型|字段|参数|变量|配置|属性|内容|文本|整数
    |用于|用来|用户|使用|设置|设定|输入|填写|填入|修改|更换|更改|更新|重置|忘记|找回|登录|登陆|登入|注册|提交|确认|确定
    |验证|认证|校验|加密|解密|保护|安全|策略|规则|要求|强度|复杂|简单|过期|有效|期限|每月|每周|每年|每季|定期|一次
    |保密|机密|省略|隐藏|脱敏|打码|星号|明文|密文|哈希|散列|密码|口令|密钥|令牌|凭证|账号|账户|帐号|管理员|手机|短信
    |邮件|邮箱|微信|电话|指纹|身份证|生日|后[四六八]位|末[四六八]位|某某|测试|示例|样例|例如|比如|正确|错误|失败|成功
    |存储|存放|保存|保管|记录|单独|私聊|另行|发送|发给|告知|提供|公布|统一|数据库|服务器|系统|接口|应用|程序|函数|对象|表示
    |支持|允许|禁止|需要|应该|应当|可以|可能|已经|尚未|即可|功能|模块|页面|按钮|流程|步骤|问题|方法|说明|备注|提示|问(?:他|她|我)|从|基于|两次|返回|存在|全称|拼音|指定|下发|分配|分发|领取|索取
    |在|[里内中]$|那[边里]|知道|跟|按|只有|一样|一致|相同|建议|强制|工号|入职|离职|公告|乱码|到期|泄[露漏]|风险|含|非空|都懂
    |[一二两三四五六七八九十几][位次遍]|符号|空格|个月|季度|[当次]天|到不|有$|改过|作废|锁定
    |刮开|扫码|回复|获取|关注|公众号|评论|域名|标题|再换|告诉
    |(?:问|找)[^遍]{1,4}(?:要|拿|领|取)?$|通过""",
    re.VERBOSE,
)


def phrases(text: str) -> Iterator[Span]:
    """What the words for a password are followed by, in Chinese characters; `：` and `＝` are folded."""
    for word in _WORDS:
        at = text.find(word)
        while at >= 0:
            end = at + len(word)
            if (span := _one(text, at, end)) is not None:
                yield span
            at = text.find(word, end)


def _one(text: str, at: int, end: int) -> Span | None:
    before = text[max(0, at - _BEFORE) : at]
    found = _QUOTED.match(text, end, end + 80)
    if found is None and (label := _LABEL.search(before)) is not None and not _DONE.search(label.group()):
        found = _PLAIN.match(text, end, end + 120)
    if found is None or _DESCRIBED.search(found["value"]) or _DONE.search(before[-4:]):
        return None
    return Span("password", *found.span("value"))
